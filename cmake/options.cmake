# Flags of every target of ours, linked PRIVATE as trytok::options. Nothing else sets flags.
add_library(trytok_options INTERFACE)
add_library(trytok::options ALIAS trytok_options)

target_compile_definitions(trytok_options INTERFACE _GNU_SOURCE TRYTOK_VERSION="${PROJECT_VERSION}")
target_compile_options(trytok_options INTERFACE
  -UNDEBUG # asserts stay on in every build
  -fno-strict-aliasing -fvisibility=hidden
  -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
  -Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla
  -Wdouble-promotion -Wformat=2 -Wnull-dereference -Wimplicit-fallthrough -Wswitch-enum
  $<$<C_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op -Wjump-misses-init -Walloca>
  $<$<C_COMPILER_ID:Clang>:-Wcomma -Wunreachable-code-aggressive -Wthread-safety
    -Wno-gnu-variable-sized-type-not-at-end>) # gnu17: a header before a flexible array is meant

if(TRYTOK_SANITIZE)
  target_compile_options(trytok_options INTERFACE
    -fsanitize=${TRYTOK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(trytok_options INTERFACE -fsanitize=${TRYTOK_SANITIZE})
endif()

if(TRYTOK_COVERAGE)
  target_compile_options(trytok_options INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(trytok_options INTERFACE --coverage)
endif()

# Hardening of the daemons and commands in optimised builds; the runner has its own flags.
add_library(trytok_hardening INTERFACE)
add_library(trytok::hardening ALIAS trytok_hardening)
if(NOT TRYTOK_SANITIZE)
  target_compile_options(trytok_hardening INTERFACE
    -fstack-protector-strong -fPIE $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
  target_link_options(trytok_hardening INTERFACE -pie -Wl,-z,relro,-z,now)
endif()
