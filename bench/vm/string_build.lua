-- Building strings: appending to one that grows, and many short ones.
local function main(n)
  local total = 0
  for _ = 1, n do
    local text = ""
    for _ = 1, 2000 do text = text .. "ab" end
    total = total + #text
    for i = 0, 499 do total = total + #("<" .. tostring(i) .. ">") end
  end
  return total
end
print(string.format("%g", main(io.read("n"))))
