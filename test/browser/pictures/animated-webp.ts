/** Puts WebP pictures, as a browser takes them, together to an animation (the container of RFC 9649); nothing is encoded again. */

export interface Frame {
  /** A whole WebP file. */
  readonly picture: Buffer;
  readonly durationMs: number;
}

const riffHeaderBytes = 12;
const chunkHeaderBytes = 8;
const isAnimation = 0x02;
const mayHaveAlpha = 0x10;
/** A frame replaces the one before. */
const doNotBlend = 0x02;

export function createAnimation(
  frames: readonly Frame[],
  { width, height }: { width: number; height: number },
): Buffer {
  const header = Buffer.concat([
    Buffer.from([isAnimation | mayHaveAlpha, 0, 0, 0]),
    uint24(width - 1),
    uint24(height - 1),
  ]);
  // Without a background, and repeated for ever.
  const loop = Buffer.alloc(6);
  const chunks = frames.map(({ picture, durationMs }) => {
    const place = [uint24(0), uint24(0), uint24(width - 1), uint24(height - 1)];
    const timing = [uint24(Math.round(durationMs)), Buffer.from([doNotBlend])];
    return createChunk('ANMF', Buffer.concat([...place, ...timing, ...readImageChunks(picture)]));
  });
  const content = Buffer.concat([
    Buffer.from('WEBP'),
    createChunk('VP8X', header),
    createChunk('ANIM', loop),
    ...chunks,
  ]);
  const riff = Buffer.alloc(chunkHeaderBytes);
  riff.write('RIFF');
  riff.writeUInt32LE(content.length, 4);
  return Buffer.concat([riff, content]);
}

function readImageChunks(picture: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = riffHeaderBytes; at + chunkHeaderBytes <= picture.length; ) {
    const size = picture.readUInt32LE(at + 4);
    const end = at + chunkHeaderBytes + size + (size % 2);
    if (['ALPH', 'VP8 ', 'VP8L'].includes(picture.toString('latin1', at, at + 4)))
      found.push(picture.subarray(at, end));
    at = end;
  }
  return found;
}

function createChunk(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(chunkHeaderBytes);
  header.write(name);
  header.writeUInt32LE(content.length, 4);
  return Buffer.concat([header, content, Buffer.alloc(content.length % 2)]);
}

function uint24(value: number): Buffer {
  const bytes = Buffer.alloc(3);
  bytes.writeUIntLE(value, 0, 3);
  return bytes;
}
