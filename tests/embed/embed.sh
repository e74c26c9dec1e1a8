#!/usr/bin/env bash
# Installs the library into an empty folder, builds a host against what is there alone, and runs it.
# usage: embed.sh BUILD-FOLDER COMPILER
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$1 compiler=$2
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT

cmake --install "$build" --component sdk --prefix "$prefix" >"$prefix/log"
package=$(find "$prefix" -name tok.pc)
export PKG_CONFIG_PATH=${package%/*}
read -ra flags <<<"$(pkg-config --cflags --libs tok)"
"$compiler" -std=c11 -Wall -Wextra -Wpedantic -Werror -o "$prefix/embed" "$here/embed.c" "${flags[@]}"

"$prefix/embed" 'var a = 20; fun f(x) { return x * 2; }' 'print f(a) + 2;' 'print b;' 'print "on";' \
    'while (true) {}' 'print 1 +;' >"$prefix/found"
diff - "$prefix/found" <<'TEXT'
= ok
42
= ok
! Undefined variable 'b'.
= runtime_error
on
= ok
= step_limit
! Expect expression.
= compile_error
TEXT
