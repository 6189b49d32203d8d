import { crc32, deflateRawSync } from 'node:zlib'

/** One file of an archive; what is not given is as it should be. */
export interface ZipEntry {
  name: string
  /** What it unpacks to. */
  content: string
  method?: 0 | 8 | 12
  /** Bit 0 says encrypted. */
  flags?: number
  /** As the directory states it. */
  statedSize?: number
}

/** A zip archive of the entries in their order, names repeated as they are. */
export function zipOf(entries: ZipEntry[]): Buffer {
  const files: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, content, method = 8, flags = 0x800, statedSize } of entries) {
    const raw = Buffer.from(content)
    const packed = method === 8 ? deflateRawSync(raw) : raw
    const nameBytes = Buffer.from(name)
    const head = Buffer.alloc(26)
    head.writeUInt16LE(20, 0)
    head.writeUInt16LE(flags, 2)
    head.writeUInt16LE(method, 4)
    head.writeUInt32LE(crc32(raw), 10)
    head.writeUInt32LE(packed.length, 14)
    head.writeUInt32LE(statedSize ?? raw.length, 18)
    head.writeUInt16LE(nameBytes.length, 22)
    const place = Buffer.alloc(14)
    place.writeUInt32LE(offset, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), head, place, nameBytes)
    const file = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), head, nameBytes, packed])
    files.push(file)
    offset += file.length
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([...files, ...directory, endOf(entries.length, size, offset)])
}

function endOf(entries: number, size: number, offset: number): Buffer {
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(entries, 8)
  end.writeUInt16LE(entries, 10)
  end.writeUInt32LE(size, 12)
  end.writeUInt32LE(offset, 16)
  return end
}

/** An archive that says it holds so many entries and holds none, in the form for more than 65,535 (zip64). */
export function zipClaiming(entries: number): Buffer {
  const record = Buffer.alloc(56)
  record.write('PK\x06\x06', 'latin1')
  record.writeBigUInt64LE(44n, 4)
  record.writeBigUInt64LE(BigInt(entries), 24)
  record.writeBigUInt64LE(BigInt(entries), 32)
  const locator = Buffer.alloc(20)
  locator.write('PK\x06\x07', 'latin1')
  locator.writeUInt32LE(1, 16)
  const end = endOf(0xffff, 0xffffffff, 0xffffffff)
  // Where a reader looks for a first file, so that the archive is taken for one.
  const start = Buffer.from('PK\x03\x04', 'latin1')
  locator.writeBigUInt64LE(BigInt(start.length), 8)
  return Buffer.concat([start, record, locator, end])
}
