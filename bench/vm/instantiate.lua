-- Making many short-lived objects of a few fields.
local Vector = {}
Vector.__index = Vector
function Vector.new(x, y, z) return setmetatable({x = x, y = y, z = z}, Vector) end
function Vector:plus(other) return Vector.new(self.x + other.x, self.y + other.y, self.z + other.z) end
local Empty = {}
Empty.__index = Empty
function Empty.new() return setmetatable({}, Empty) end
local function main(n)
  local sum = Vector.new(0, 0, 0)
  local step = Vector.new(1, 2, 3)
  for _ = 1, n do sum = sum:plus(step); Empty.new() end
  return sum.z
end
print(string.format("%g", main(io.read("n"))))
