-- Variables at the top level, read and written in a loop.
n = io.read("n")
a = 0
b = 1
i = 0
while i < n do
  a = a + b
  b = a - b
  if a > 1000000 then a = 0; b = 1 end
  i = i + 1
end
print(a)
