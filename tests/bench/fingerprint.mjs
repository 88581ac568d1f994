// The fingerprint of a scenario as written: FNV-1a, 64 bit, of its bytes (common/base/hash.h), as 16 hex digits.
export function fingerprint(bytes) {
  let hash = 0xcbf29ce484222325n;
  for (const b of bytes) hash = ((hash ^ BigInt(b)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash.toString(16).padStart(16, '0');
}
