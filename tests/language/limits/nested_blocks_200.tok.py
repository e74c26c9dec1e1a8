"""200 blocks are allowed, each with a local."""
print("{ var a = 0;" * 200 + " print a; " + "}" * 200)
print("// expect: 0")
