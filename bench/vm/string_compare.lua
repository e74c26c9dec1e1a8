-- Comparing strings for equality: the same object, equal ones, and different ones.
local function main(n)
  local a = "the quick brown fox"
  local b = "the quick brown " .. "fox"
  local c = "the quick brown cat"
  local equal = 0
  for _ = 1, n do
    if a == a then equal = equal + 1 end
    if a == b then equal = equal + 1 end
    if a == c then equal = equal + 1 end
    if b == c then equal = equal + 1 end
    if a ~= b then equal = equal - 100 end
  end
  return equal
end
print(string.format("%g", main(io.read("n"))))
