-- Object churn: binary trees are built, walked and dropped.
local Tree = {}
Tree.__index = Tree
function Tree.new(depth)
  local self = setmetatable({}, Tree)
  if depth > 0 then self.left = Tree.new(depth - 1); self.right = Tree.new(depth - 1)
  else self.left = nil; self.right = nil end
  return self
end
function Tree:check() if self.left == nil then return 1 end return 1 + self.left:check() + self.right:check() end
local function main(max)
  print(Tree.new(max + 1):check())
  local keep = Tree.new(max)
  for depth = 4, max, 2 do
    local turns = 1
    for _ = depth, max - 1 do turns = turns * 2 end
    local check = 0
    for _ = 1, turns do check = check + Tree.new(depth):check() end
    print(check)
  end
  print(keep:check())
end
main(io.read("n"))
