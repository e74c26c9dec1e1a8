-- A long program: builds expression trees with a seeded generator, evaluates, simplifies and shows
-- them over and over, with an environment of linked scopes.
local function class(base)
  local c = setmetatable({}, base and {__index = base})
  c.__index = c
  return c
end
local Random = class()
function Random.new(seed) return setmetatable({state = seed}, Random) end
function Random:next(below)
  self.state = self:rest(self.state * 75 + 74, 65537)
  return self:rest(self.state, below)
end
function Random:rest(n, divisor)
  local step = divisor
  while step * 2 <= n do step = step * 2 end
  while step >= divisor do
    if n >= step then n = n - step end
    step = step / 2
  end
  return n
end
local Scope = class()
function Scope.new(parent, name, value) return setmetatable({parent = parent, name = name, value = value}, Scope) end
function Scope:find(name)
  local scope = self
  while scope ~= nil do
    if scope.name == name then return scope.value end
    scope = scope.parent
  end
  return 0
end
local Expr = class()
function Expr:is_number(value) return false end
function Expr:simplify() return self end
local Num = class(Expr)
function Num.new(value) return setmetatable({value = value}, Num) end
function Num:eval(scope) return self.value end
function Num:is_number(value) return self.value == value end
function Num:size() return 1 end
local Var = class(Expr)
function Var.new(name) return setmetatable({name = name}, Var) end
function Var:eval(scope) return scope:find(self.name) end
function Var:size() return 1 end
local Binary = class(Expr)
function Binary:size() return 1 + self.left:size() + self.right:size() end
local Add = class(Binary)
function Add.new(left, right) return setmetatable({left = left, right = right}, Add) end
function Add:eval(scope) return self.left:eval(scope) + self.right:eval(scope) end
function Add:simplify()
  local l = self.left:simplify()
  local r = self.right:simplify()
  if l:is_number(0) then return r end
  if r:is_number(0) then return l end
  return Add.new(l, r)
end
local Mul = class(Binary)
function Mul.new(left, right) return setmetatable({left = left, right = right}, Mul) end
function Mul:eval(scope) return self.left:eval(scope) * self.right:eval(scope) end
function Mul:simplify()
  local l = self.left:simplify()
  local r = self.right:simplify()
  if l:is_number(0) or r:is_number(0) then return Num.new(0) end
  if l:is_number(1) then return r end
  if r:is_number(1) then return l end
  return Mul.new(l, r)
end
local Let = class(Expr)
function Let.new(name, value, body) return setmetatable({name = name, value = value, body = body}, Let) end
function Let:eval(scope) return self.body:eval(Scope.new(scope, self.name, self.value:eval(scope))) end
function Let:size() return 1 + self.value:size() + self.body:size() end
function Let:simplify() return Let.new(self.name, self.value:simplify(), self.body:simplify()) end
local function name_of(n) if n == 0 then return "a" end if n == 1 then return "b" end if n == 2 then return "c" end return "d" end
local function make(random, depth)
  if depth == 0 then
    if random:next(2) == 0 then return Num.new(random:next(3)) end
    return Var.new(name_of(random:next(4)))
  end
  local kind = random:next(3)
  if kind == 0 then local l = make(random, depth - 1); return Add.new(l, make(random, depth - 1)) end
  if kind == 1 then local l = make(random, depth - 1); return Mul.new(l, make(random, depth - 1)) end
  local name = name_of(random:next(4))
  local value = make(random, depth - 1)
  return Let.new(name, value, make(random, depth - 1))
end
local function main(n)
  local random = Random.new(7)
  local scope = Scope.new(Scope.new(nil, "a", 1), "b", 2)
  local total, nodes = 0, 0
  for _ = 1, n do
    local expr = make(random, 7)
    local small = expr:simplify()
    nodes = nodes + expr:size() - small:size()
    for _ = 1, 10 do
      local value = small:eval(scope)
      if value ~= expr:eval(scope) then print("wrong") end
      if value < 1000000 then total = total + value end
    end
  end
  print(string.format("%g", nodes))
  print(string.format("%g", total))
end
main(io.read("n"))
