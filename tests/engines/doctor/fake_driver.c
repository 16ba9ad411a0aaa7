// A driver with two GPUs, or with what FAULT asks for: the calls that the doctor makes, no more.
#include <stddef.h>
#include <string.h>

#ifndef FAULT
#define FAULT 0  // what cuInit gives: 100 no device, 803 driver mismatch
#endif
#ifndef LOST
#define LOST 0  // what reading an attribute gives: 700 illegal address
#endif

int cuInit(unsigned flags) { return flags == 0 ? FAULT : 1; }
int cuDriverGetVersion(int* version) { return *version = 13020, 0; }
int cuDeviceGetCount(int* count) { return *count = 2, 0; }
int cuDeviceGet(int* device, int index) { return *device = index + 10, 0; }

int cuDeviceGetName(char* name, int length, int device) {
  strncpy(name, device == 10 ? "First" : "Second", (size_t)length);
  return 0;
}

int cuDeviceTotalMem_v2(size_t* bytes, int device) {
  *bytes = device == 10 ? (size_t)16 << 30 : (size_t)8 << 30;
  return 0;
}

int cuDeviceGetAttribute(int* value, int attribute, int device) {
  *value = device == 10 ? (attribute == 75 ? 12 : 0) : (attribute == 75 ? 8 : 9);
  return LOST;
}

int cuGetErrorName(int code, const char** name) {
  *name = code == 100   ? "CUDA_ERROR_NO_DEVICE"
          : code == 803 ? "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"
          : code == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS"
                        : NULL;
  return *name == NULL;
}

int nvmlInit_v2(void) { return FAULT; }
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char* text, unsigned length) {
  strncpy(text, "580.65.06", length);
  return 0;
}
