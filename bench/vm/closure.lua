-- Making closures and calling them; captured variables that are assigned.
local function counter(start)
  local value = start
  local function next(step) value = value + step; return value end
  return next
end
local function compose(f, g) return function(x) return g(f(x)) end end
local function main(n)
  local total = 0
  for i = 0, n - 1 do
    local a = counter(i)
    local b = compose(a, a)
    total = total + b(1) - a(2)
    for k = 0, 4 do a(k) end
    total = total + a(0)
  end
  return total
end
print(string.format("%g", main(io.read("n"))))
