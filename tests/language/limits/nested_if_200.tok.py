"""200 blocks nested through if are allowed."""
print("if (true) {" * 200 + " print 1; " + "}" * 200)
print("// expect: 1")
