-- Reading and writing fields of one object.
local function main(n)
  local p = {x = 1, y = 2, z = 3}
  for _ = 1, n do
    p.x = p.x + 1
    p.y = p.x - p.z
    p.z = p.y / 2
    if p.x > 1000 then p.x = 1 end
    if p.z > 1000 then p.z = 2 end
  end
  return p.x + p.y + p.z
end
print(string.format("%g", main(io.read("n"))))
