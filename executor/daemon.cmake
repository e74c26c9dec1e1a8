# The daemon: everything that is not a sandbox, as part of the library, and its thin main().
target_sources(trytok_executor PRIVATE
  admission.c
  api.c
  call.c
  config.c
  daemon.c
  judge.c
  pool.c
  request.c
  run.c
  run_frames.c
  run_stream.c
  self_test.c
  stats.c)

add_executable(trytok_executor_daemon main.c)
set_target_properties(trytok_executor_daemon PROPERTIES
  OUTPUT_NAME trytok-executor
  RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
target_link_libraries(trytok_executor_daemon PRIVATE trytok::options trytok::hardening trytok::executor)
install(TARGETS trytok_executor_daemon RUNTIME COMPONENT runtime)
