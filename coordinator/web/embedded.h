/* embedded - files of this folder that are part of the program (embed.cmake). */
#ifndef TRYTOK_EMBEDDED_H
#define TRYTOK_EMBEDDED_H

extern const unsigned char embedded_openapi[];
extern const unsigned long embedded_openapi_bytes;

#endif
