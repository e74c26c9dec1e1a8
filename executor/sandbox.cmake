# The sandbox, the spawners and the process backend, as part of the library.
target_sources(trytok_executor PRIVATE
  backends/process.c
  backends/process_prepare.c
  sandbox/cgroup.c
  sandbox/cgroup_v1.c
  sandbox/cgroup_v2.c
  sandbox/landlock.c
  sandbox/namespaces.c
  sandbox/seccomp_filter.c
  sandbox/spawn.c
  sandbox/spawner.c)
target_include_directories(trytok_executor PUBLIC
  ${CMAKE_CURRENT_LIST_DIR}/backends ${CMAKE_CURRENT_LIST_DIR}/sandbox)
