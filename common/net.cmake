target_sources(trytok_common PRIVATE loop.c)
