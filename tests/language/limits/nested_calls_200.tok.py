"""200 calls in one another's arguments."""
print("fun id(x) { return x; }")
print("print " + "id(" * 200 + "1" + ")" * 200 + "; // expect: 1")
