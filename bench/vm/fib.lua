-- Recursion: calls and returns, nothing else.
function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
print(string.format("%g", fib(io.read("n"))))
