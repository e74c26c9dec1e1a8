-- Floating-point arithmetic on locals with a data-dependent exit.
local function main(size)
  local inside = 0
  local y = 0
  while y < size do
    local x = 0
    while x < size do
      local cr = 2 * x / size - 1.5
      local ci = 2 * y / size - 1
      local zr, zi, i = 0, 0, 0
      while i < 50 and zr * zr + zi * zi < 4 do
        local t = zr * zr - zi * zi + cr
        zi = 2 * zr * zi + ci
        zr = t
        i = i + 1
      end
      if i == 50 then inside = inside + 1 end
      x = x + 1
    end
    y = y + 1
  end
  return inside
end
print(main(io.read("n")))
