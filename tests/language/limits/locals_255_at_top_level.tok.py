"""255 locals in a block of the program."""
print("{")
for i in range(255):
    print(f"  var v{i} = {i};")
print("  print v0 + v254; // expect: 254")
print("}")
