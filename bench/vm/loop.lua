-- Arithmetic in nested loops over locals.
local function main(n)
  local sum = 0
  local i = 0
  while i < n do
    local j = 0
    while j < 1000 do sum = sum + i * j - j / 2; j = j + 1 end
    i = i + 1
  end
  return sum
end
print(string.format("%g", main(io.read("n"))))
