# cmake -DINPUT=FILE -DOUTPUT=FILE.c -DNAME=symbol -P embed.cmake: a file as an array of bytes.
file(READ "${INPUT}" hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "((0x..,){20})" "\\1\n" bytes "${bytes}")
file(WRITE "${OUTPUT}"
  "#include \"embedded.h\"\nconst unsigned char ${NAME}[] = {\n${bytes}\n};\nconst unsigned long ${NAME}_bytes = sizeof(${NAME});\n")
