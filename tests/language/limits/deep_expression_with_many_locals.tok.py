"""240 locals and an expression that needs temporaries beside them: works or is a clean error."""
print("fun f() {")
for i in range(240):
    print(f"  var v{i} = 1;")
print("  print " + "(v0 + " * 30 + "0" + ")" * 30 + ";")
print("}")
print("f(); // expect: 30")
print("// or a clean error")
