"""Calls inside the last of 255 arguments: each takes 256 registers more."""
DEPTH = 255
ones = "1, " * 254
parameters = ", ".join(f"p{i}" for i in range(255))
print(f"fun last({parameters}) {{ return p254; }}")
print("print " + f"last({ones}" * DEPTH + "7" + ")" * DEPTH + "; // expect: 7")
print("// or a clean error")
