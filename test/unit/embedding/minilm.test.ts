import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { UnembeddableText } from '../../../src/embedding/embeddingProvider.ts'
import { MinilmProvider } from '../../../src/embedding/minilmProvider.ts'
import { tokenChunks } from '../../../src/embedding/tokenChunks.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const threads: Worker[] = []
const keep = (thread: Worker) => threads.push(thread)

describe('the embedded model', () => {
  const provider = new MinilmProvider()
  const vector = async (text: string) => (await provider.embed([text]))[0] as Float32Array
  beforeAll(() => {
    process.on('worker', keep)
  })
  afterAll(async () => {
    process.off('worker', keep)
    await provider.close()
  })

  it('finds meaning where no word is shared', async () => {
    const [asked, alike, other] = (await provider.embed([
      'the server refused the connection',
      'nobody listens on that port: ECONNREFUSED',
      'the invoice was paid twice',
    ])) as Float32Array[]
    expect(cosine(asked!, asked!)).toBeCloseTo(1, 5)
    expect(cosine(asked!, alike!)).toBeGreaterThan(cosine(asked!, other!) + 0.1)
    expect(asked).toHaveLength(1536)
    expect(asked!.subarray(384).every((value) => value === 0)).toBe(true)
    expect(provider).toMatchObject({ model: 'minilm:all-MiniLM-L6-v2#1', dimensions: 384 })
  })

  it('takes any text', async () => {
    const odd = ['🦜'.repeat(300), '漢字', 'x'.repeat(20_000), '[SEP][CLS][MASK]', '¡!'.repeat(300)]
    for (const [at, one] of (await provider.embed(odd)).entries())
      expect(one instanceof Float32Array && Math.hypot(...one), odd[at]!.slice(0, 20)).toBeCloseTo(1, 4)
    const unread = new UnembeddableText('There is nothing in it that the model reads.')
    expect(await provider.embed(['\ud800', '\0'])).toEqual([unread, unread])
    expect(await provider.embed(['', ' \t\n'])).toEqual([
      new UnembeddableText('There is nothing in it but white space.'),
      new UnembeddableText('There is nothing in it but white space.'),
    ])
    expect(await provider.embed([])).toEqual([])
  })

  it('reads a long text to its end: its vector is the mean of its parts', async () => {
    // 250 tokens are a part: a word each.
    const [one, other] = ['red '.repeat(250).trim(), 'fish '.repeat(250).trim()]
    const [first, second, both] = (await provider.embed([one, other, `${one} ${other}`])) as Float32Array[]
    const mean = first!.map((value, at) => (value + second![at]!) / 2)
    expect(cosine(both!, mean) / Math.hypot(...mean)).toBeCloseTo(1, 5)
    expect(cosine(first!, second!)).toBeLessThan(0.9)
  })

  it('holds up neither its process nor a question that comes in between', async () => {
    const before = performance.eventLoopUtilization()
    let isDone = false
    const long = provider.embed(['fish '.repeat(1_500)]).then(() => {
      isDone = true
    })
    await vector('a question')
    expect(isDone).toBe(false)
    await long
    expect(performance.eventLoopUtilization(before).utilization).toBeLessThan(0.5)
  })

  it('forgets what is no longer wanted', async () => {
    const left = new AbortController()
    const asked = provider.embed(['fish '.repeat(1_500), 'more'], left.signal)
    left.abort(new Error('no longer wanted'))
    await expect(asked).rejects.toThrow('no longer wanted')
    await expect(provider.embed(['a'], left.signal)).rejects.toThrow('no longer wanted')
    await vector('a question')
  })

  it('starts its thread again when it died, and does what it was at', async () => {
    const expected = await vector('what it was at')
    const died = threads.at(-1)!
    const asked = provider.embed(['fish '.repeat(500), 'what it was at'])
    await died.terminate()
    expect(cosine((await asked)[1] as Float32Array, expected)).toBeCloseTo(1, 5)
    expect(threads.at(-1)).not.toBe(died)
  })

  it('gives a text up whose thread dies twice, and goes on with the next', async () => {
    const asked = expect(provider.embed(['fish '.repeat(1_500)])).rejects.toMatchObject({
      isPassing: true,
      message: expect.stringContaining('as the one before it had'),
    })
    const first = threads.at(-1)!
    await first.terminate()
    const second = threads.at(-1)!
    expect(second).not.toBe(first)
    // Not before it was ready: one that never was is a model that cannot be loaded.
    await once(second, 'message')
    await second.terminate()
    await asked
    expect(Math.hypot(...(await vector('the next')))).toBeCloseTo(1, 4)
  })

  it('ends its thread after a while without texts, and starts another for the next', async () => {
    const resting = new MinilmProvider({ restMs: 1 })
    await resting.embed(['a'])
    const first = threads.at(-1)!
    await once(first, 'exit')
    const [after] = await resting.embed(['the next'])
    expect(threads.at(-1)).not.toBe(first)
    expect(cosine(after as Float32Array, await vector('the next'))).toBeCloseTo(1, 5)
    await resting.close()
  })

  it.runIf(process.platform === 'linux')(
    'stands back behind all else where it may take its time',
    async () => {
      const niceOf = (thread: string) =>
        Number(
          readFileSync(`/proc/self/task/${thread}/stat`, 'utf8')
            .replace(/^.*\) /, '')
            .split(' ')[16],
        )
      const threadsOf = () => readdirSync('/proc/self/task').filter((thread) => niceOf(thread) === 19).length
      const before = threadsOf()
      const patient = new MinilmProvider({ isPatient: true })
      await patient.embed(['a'])
      expect(threadsOf()).toBe(before + 1)
      expect(niceOf(String(process.pid))).toBe(getPriority())
      await patient.close()
      expect(threadsOf()).toBe(before)
    },
  )

  it.each([
    { isPatient: true, busy: 0.5, rests: 4 },
    { isPatient: true, busy: 1, rests: 16 },
    { isPatient: true, busy: 0, rests: 0 },
    { isPatient: false, busy: 1, rests: 0 },
  ])(
    'rests longer than it works while the server is busy, where it may: %o',
    async ({ isPatient, busy, rests }) => {
      const said = vi.spyOn(Worker.prototype, 'postMessage')
      const load = vi
        .spyOn(performance, 'eventLoopUtilization')
        .mockReturnValue({ idle: 1 - busy, active: busy, utilization: busy })
      const provider = new MinilmProvider({ isPatient })
      try {
        await provider.embed(['a', 'b'])
        expect(said.mock.calls.map(([message]) => message.rests)).toEqual([rests, rests])
      } finally {
        said.mockRestore()
        load.mockRestore()
        await provider.close()
      }
    },
  )

  it('says that it was closed to who waits and who comes', async () => {
    const closed = new MinilmProvider()
    const waiting = expect(closed.embed(['a'])).rejects.toThrow('The server stops.')
    await closed.close()
    await waiting
    await expect(closed.embed(['a'])).rejects.toThrow('The server stops.')
    await closed.close()
  })

  it('keeps a process alive while it is asked, and not a moment longer', async () => {
    const code = `
      const { MinilmProvider } = await import('./src/embedding/minilmProvider.ts')
      const [vector] = await new MinilmProvider().embed(['a text'])
      console.log(vector.length)`
    const node = ['--import', 'tsx', '--input-type=module', '--eval', code]
    const { stdout } = await promisify(execFile)(process.execPath, node, { cwd: root, timeout: 25_000 })
    expect(stdout.trim()).toBe('1536')
  })
})

describe('the parts of a long text', () => {
  const letters = (text: string) => [...text.replace(/\s/g, '')].length
  it.each([
    ['a short text', 'ab cd', ['ab cd']],
    ['words', 'abc def gh', ['abc', 'def gh']],
    ['a word that is too long by itself', 'ab abcdefghijkl', ['ab abc', 'def', 'ghi', 'jkl']],
    ['characters of two units', '🦜🦜🦜🦜🦜🦜🦜', undefined],
    ['nothing', '', ['']],
  ])('of %s', (_, text, parts) => {
    const chunks = tokenChunks(text, 5, letters)
    if (parts) expect(chunks.map((chunk) => chunk.text)).toEqual(parts)
    expect(chunks.map((chunk) => chunk.text.replace(/\s/g, '')).join('')).toBe(text.replace(/\s/g, ''))
    for (const { text: part, tokens } of chunks) {
      expect(part.isWellFormed()).toBe(true)
      expect(tokens).toBe(letters(part))
      expect(tokens).toBeLessThanOrEqual(5)
    }
  })
})

function cosine(one: Float32Array, other: Float32Array): number {
  return one.reduce((sum, value, at) => sum + value * other[at]!, 0)
}
