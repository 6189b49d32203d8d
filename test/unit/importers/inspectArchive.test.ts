import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { UnreadableFile } from '../../../src/importers/format.ts'
import { inspect } from '../../../src/importers/inspect/inspect.ts'
import { isZip, readInspectArchive } from '../../../src/importers/inspect/inspectArchive.ts'
import { readResultFile } from '../../../src/importers/resultFile.ts'
import { fixture } from '../../support/fixtures.ts'
import { withSharedData } from '../../support/sharedData.ts'
import { type ZipEntry, zipClaiming, zipOf } from '../../support/zipArchive.ts'

/** The same log twice; the archive holds files packed by Zstandard, by Deflate and not at all. */
const archivePath = fixture('inspect-small.eval')
const jsonPath = fixture('inspect-small.json')
const archive = readFileSync(archivePath)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'arc-archive-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function readBytes(bytes: Buffer) {
  const path = join(folder, 'log.eval')
  await writeFile(path, bytes)
  return readInspectArchive(path)
}

const head = { version: 2, eval: { run_id: 'r', task_id: 't', task: 'kites', model: 'm' }, plan: {} }
const header = { name: 'header.json', content: JSON.stringify({ ...head, status: 'success' }) }
const start = { name: '_journal/start.json', content: JSON.stringify(head) }

function sampleFile(id: number, more: Partial<ZipEntry> = {}, score: unknown = 'C'): ZipEntry {
  const sample = { id, epoch: 1, input: `Fly kite ${id}.`, messages: [], scores: { match: { value: score } } }
  return { name: `samples/${id}_epoch_1.json`, content: JSON.stringify(sample), ...more }
}

async function sampleIds(entries: ZipEntry[]) {
  const { document, ...rest } = await readBytes(zipOf(entries))
  return { ids: (document.samples as { id: number }[]).map(({ id }) => id), status: document.status, ...rest }
}

test('is told by its first bytes', () => {
  expect(isZip(archive)).toBe(true)
  expect(isZip(zipOf([]))).toBe(true)
  expect([readFileSync(jsonPath), Buffer.from('PK'), Buffer.from('')].map(isZip)).toEqual([
    false,
    false,
    false,
  ])
})

test('of whatever compression is read as the JSON of the same log', async () => {
  const [fromArchive, fromJson] = [await readResultFile(archivePath), await readResultFile(jsonPath)]
  expect(fromArchive.format).toBe('Inspect')
  expect(fromArchive.rejected).toEqual(fromJson.rejected)
  const [archived, plain] = [fromArchive.runs[0]!, fromJson.runs[0]!]
  expect(archived.metadata.source_file).toBe('inspect-small.eval')
  expect({ ...archived, metadata: { ...archived.metadata, source_file: 'inspect-small.json' } }).toEqual(
    plain,
  )
})

test('without a header is a run that was cut off: what it had finished is read', async () => {
  expect(await sampleIds([start, sampleFile(1)])).toMatchObject({
    ids: [1],
    status: 'started',
    nonFinite: 0,
    rejected: [],
    notes: [],
  })
  const broken = { name: 'header.json', content: '{"version":' }
  expect(await sampleIds([start, sampleFile(1), broken])).toMatchObject({
    ids: [1],
    status: 'started',
    notes: [expect.stringMatching(/^header\.json cannot be read: It is not JSON/)],
  })
  expect(await sampleIds([start, sampleFile(1), header])).toMatchObject({ status: 'success', notes: [] })
})

test('holds the last of several files with one name', async () => {
  const again = { ...sampleFile(7), name: sampleFile(1).name }
  expect(await sampleIds([header, sampleFile(1), sampleFile(2), again])).toMatchObject({ ids: [7, 2] })
})

test('may name a sample by any text', async () => {
  const names = ['samples/../../a_epoch_1.json', 'samples/C:\\b_epoch_1.json', 'samples/ü/😀_epoch_1.json']
  const entries = names.map((name, index) => ({ ...sampleFile(index), name }))
  expect(await sampleIds([header, ...entries])).toMatchObject({ ids: [0, 1, 2], rejected: [] })
})

test('may have byte order marks in its files', async () => {
  const entries = [header, sampleFile(1)].map((entry) => ({ ...entry, content: `\ufeff${entry.content}` }))
  expect(await sampleIds(entries)).toMatchObject({ ids: [1], status: 'success', rejected: [] })
})

test('may hold NaN', async () => {
  const { content } = sampleFile(1, {}, '@')
  const entry = sampleFile(1, { content: content.replace('"@"', 'NaN') })
  const { document, nonFinite } = await readBytes(zipOf([header, entry]))
  expect(nonFinite).toBe(1)
  expect(inspect.parse(document, 'x').runs[0]!.outcomes[0]).toMatchObject({
    status: 'success',
    reliabilityScore: null,
    errorCode: null,
  })
})

test.each<[string, ZipEntry, string]>([
  ['is no JSON', sampleFile(2, { content: '{"id": 2' }), 'It is not JSON: '],
  ['is encrypted', sampleFile(2, { flags: 1 }), 'It is encrypted.'],
  ['is packed by an unknown method', sampleFile(2, { method: 12 }), 'It is compressed by method 12'],
  ['unpacks to more than is stated', sampleFile(2, { statedSize: 5 }), 'Its compressed data is damaged.'],
  ['unpacks to less than is stated', sampleFile(2, { statedSize: 5_000 }), 'the checksum is wrong.'],
  ['is longer than is stated', sampleFile(2, { method: 0, statedSize: 5 }), 'the checksum is wrong.'],
])('a sample that %s is rejected and costs no other', async (_what, entry, reason) => {
  const { ids, rejected } = await sampleIds([header, sampleFile(1), entry, sampleFile(3)])
  expect(ids).toEqual([1, 3])
  expect(rejected).toEqual([{ record: entry.name, reason: expect.stringContaining(reason) }])
})

test('a sample whose Zstandard data is damaged is rejected and costs no other', async () => {
  const damaged = Buffer.from(archive)
  const data = damaged.indexOf(
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
    damaged.indexOf('samples/1_epoch_2.json'),
  )
  const { document, ...whole } = await readBytes(archive)
  for (const place of [data, data + 40, data + 200]) {
    damaged[place]! ^= 0xff
    const { document: left, rejected } = await readBytes(damaged)
    expect((left.samples as []).length).toBe((document.samples as []).length - 1)
    expect(rejected.length).toBe(whole.rejected.length + 1)
    expect(rejected[0]).toMatchObject({
      record: 'samples/1_epoch_2.json',
      reason: expect.stringContaining('damaged'),
    })
    damaged[place]! ^= 0xff
  }
})

test.each<[string, Buffer, string]>([
  ['that is cut short', archive.subarray(0, 5_000), 'It is a zip that is damaged or not complete: '],
  [
    'of something else',
    zipOf([{ name: 'word/document.xml', content: '<a/>' }]),
    'It is a zip, but not an Inspect log: ',
  ],
  ['without anything', zipOf([]), 'It is a zip, but not an Inspect log: '],
  [
    'whose heads are broken',
    zipOf([
      { ...header, content: '[' },
      { ...start, content: '{"eval":{}}' },
    ]),
    'It is a zip, but header.json cannot be read: It is not JSON',
  ],
  [
    'that would fill the memory',
    zipOf([header, ...[1, 2, 3].map((id) => sampleFile(id, { statedSize: 400_000_000 }))]),
    'It unpacks to 1201 MB: 50 MB is the limit for its size.',
  ],
  [
    'that claims to hold far more than it can',
    zipOf([header, sampleFile(1, { statedSize: 60_000_000 })]),
    'It unpacks to 61 MB: 50 MB is the limit for its size.',
  ],
  ['of too many files', zipClaiming(100_001), 'It is a zip of 100001 files: 100000 is the limit.'],
])('an archive %s is refused with the reason', async (_what, bytes, reason) => {
  expect(isZip(bytes)).toBe(true)
  const refusal = await readBytes(bytes).catch((error) => error)
  expect(refusal).toBeInstanceOf(UnreadableFile)
  expect(refusal.message).toContain(reason)
})

test('however its bytes are changed, it is read or refused', async () => {
  const { document } = await readBytes(archive)
  const samples = (document.samples as []).length
  const changes = fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(changes, fc.boolean(), async (all, cut) => {
      const bytes = Buffer.from(archive)
      for (const [place, value] of all) bytes[place] = value
      try {
        const read = await readBytes(cut ? bytes.subarray(0, all[0]![0]) : bytes)
        expect((read.document.samples as []).length + read.rejected.length).toBeLessThanOrEqual(samples)
      } catch (error) {
        expect(error).toBeInstanceOf(UnreadableFile)
      }
    }),
    { numRuns: 1000 },
  )
})

withSharedData('real files', (data) => {
  const popularity = '2025-09-15T15-04-34-04-00_popularity_jKN69eAYYpZFAZhRgMAztp'
  test.each([
    ['log_formats.eval', 'log_formats.json'],
    [`${popularity}.eval`, `${popularity}.repacked.json`],
  ])('%s and its JSON are one run', async (archived, plain) => {
    const [ofArchive, ofJson] = await Promise.all(
      [archived, plain].map((name) => readResultFile(fileURLToPath(new URL(`inspect/${name}`, data)))),
    )
    expect(ofArchive!.runs[0]!.identity).toBe(ofJson!.runs[0]!.identity)
    expect(ofArchive!.runs[0]!.configuration).toEqual(ofJson!.runs[0]!.configuration)
  })
})

test('holds no secret any more once it is read as a result file', async () => {
  const secret = `sk-ant-api03-${'a1B2c3D4'.repeat(6)}`
  const folder = await mkdtemp(join(tmpdir(), 'arc-archive-'))
  try {
    const path = join(folder, 'log.eval')
    const task = { ...head.eval, model_args: { api_key: secret } }
    const content = JSON.stringify({ ...head, eval: task, status: 'success' })
    const sample = sampleFile(1)
    const told = { ...sample, content: sample.content.replace('kite 1', secret) }
    await writeFile(path, zipOf([{ name: 'header.json', content }, told]))
    const { runs, redactions } = await readResultFile(path)
    expect(runs).toHaveLength(1)
    expect(JSON.stringify(runs)).not.toContain(secret)
    expect(redactions.secrets.size).toBe(1)
  } finally {
    await rm(folder, { recursive: true })
  }
})
