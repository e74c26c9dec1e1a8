# What the sandbox is made of, as far as it needs neither root nor a runner (tests/sandbox has those).
trytok_unit_test(test_cgroup SOURCES test_cgroup.c LIBRARIES trytok::executor)
trytok_unit_test(test_process_handshake
  SOURCES test_process_handshake.c LIBRARIES trytok::executor)
set(runner_dir ${PROJECT_SOURCE_DIR}/executor/runner)
trytok_unit_test(test_runner_arena
  SOURCES test_runner_arena.c ${runner_dir}/arena.c LIBRARIES trytok::executor)
trytok_unit_test(test_runner_stream
  SOURCES test_runner_stream.c ${runner_dir}/stream.c LIBRARIES trytok::executor)
foreach(module arena stream)
  target_include_directories(test_runner_${module} PRIVATE ${runner_dir})
endforeach()
