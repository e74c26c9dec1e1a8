-- Printing numbers.
local function main(n) for i = 0, n - 1 do print(i) end end
main(io.read("n"))
