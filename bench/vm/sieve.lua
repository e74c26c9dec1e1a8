-- Primes with a queue of linked nodes: each prime keeps its next multiple.
local function main(n)
  local first, last
  local count = 0
  local i = 2
  while count < n do
    local is_prime = true
    local p = first
    while p ~= nil and p.value * p.value <= i do
      while p.multiple < i do p.multiple = p.multiple + p.value end
      if p.multiple == i then is_prime = false; p = nil else p = p.next end
    end
    if is_prime then
      local prime = {value = i, multiple = i * i, next = nil}
      if first == nil then first = prime else last.next = prime end
      last = prime
      count = count + 1
    end
    i = i + 1
  end
  return last.value
end
print(main(io.read("n")))
