import type { Random } from './random.ts';

const guidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const byteText = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, '0'));
const byteAt = (word: number, shift: number): string => byteText[(word >>> shift) & 0xff] ?? '00';

export function isGuid(text: string): boolean {
  return text.length === 36 && guidPattern.test(text);
}

/** A version 4 GUID in lower case, from the given source of chance. */
export function createGuid(random: Random): string {
  const a = random.uint32();
  const b = (random.uint32() & 0xffff0fff) | 0x00004000;
  const c = (random.uint32() & 0x3fffffff) | 0x80000000;
  const d = random.uint32();
  return (
    byteAt(a, 24) +
    byteAt(a, 16) +
    byteAt(a, 8) +
    byteAt(a, 0) +
    '-' +
    byteAt(b, 24) +
    byteAt(b, 16) +
    '-' +
    byteAt(b, 8) +
    byteAt(b, 0) +
    '-' +
    byteAt(c, 24) +
    byteAt(c, 16) +
    '-' +
    byteAt(c, 8) +
    byteAt(c, 0) +
    byteAt(d, 24) +
    byteAt(d, 16) +
    byteAt(d, 8) +
    byteAt(d, 0)
  );
}

/** A GUID that depends on nothing but the text, for metadata ids and seeded rows. */
export function guidOf(text: string): string {
  const words = [0x811c9dc5, 0x01000193, 0x9e3779b9, 0x85ebca6b].map((start) => {
    let hash = start;
    for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
  });
  let turn = 0;
  return createGuid({ next: () => 0, normal: () => 0, uint32: () => words[turn++ % 4] ?? 0 });
}
