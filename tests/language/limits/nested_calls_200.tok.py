"""200 calls in one another's arguments."""
print("fun id(x) { return x; }")
print("print " + "id(" * 195 + "1" + ")" * 195 + "; // expect: 1")
