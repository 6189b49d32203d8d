import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DataDirLocked, lockDataDir } from '../../../src/db/embedded/dataDirLock.ts'

let folder: string
let lock: string
const processes: ChildProcess[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'arc-lock-'))
  lock = join(folder, 'lock')
})
afterEach(async () => {
  for (const process of processes.splice(0)) process.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

/** A process that says `ready`, tries for the lock at the time that it is then told, says what came of it, and stays. */
class Contender {
  readonly process: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor() {
    this.process = spawn(
      process.execPath,
      [
        '--import',
        'tsx',
        '--input-type=module',
        '--eval',
        `import { lockDataDir } from '${new URL('../../../src/db/embedded/dataDirLock.ts', import.meta.url)}'
        process.stdin.on('data', (time) => {
          while (Date.now() < Number(time)) {}
          try {
            lockDataDir(process.argv[1])
            console.log('locked')
          } catch (error) {
            console.log(error.name + ': ' + error.message)
          }
        })
        console.log('ready')`,
        folder,
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    processes.push(this.process)
    this.#lines = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]()
  }

  async line(): Promise<string> {
    return (await this.#lines.next()).value
  }

  async tryAt(time: number): Promise<string> {
    this.process.stdin!.write(`${time}\n`)
    return this.line()
  }

  async end(): Promise<void> {
    this.process.kill('SIGKILL')
    await once(this.process, 'exit')
  }
}

async function contender(): Promise<Contender> {
  const made = new Contender()
  expect(await made.line()).toBe('ready')
  return made
}

/** The number of a process that is gone. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(child, 'exit')
  return child.pid!
}

describe('the lock of a data folder', () => {
  it('is given to one process, and to the next when it is given back', async () => {
    const other = await contender()
    const unlock = lockDataDir(folder)
    expect(await other.tryAt(0)).toBe(
      `DataDirLocked: ${folder} is in use by another Arc (process ${process.pid}). Stop it first, or set ARC_DATA_DIR to another folder.`,
    )
    unlock()
    expect(existsSync(lock)).toBe(false)
    expect(await other.tryAt(0)).toBe('locked')
    expect(() => lockDataDir(folder)).toThrow(DataDirLocked)
    expect(() => lockDataDir(folder)).toThrow(`process ${other.process.pid}`)
  })

  it('is refused to a second taker in the same process, by whatever path it comes', () => {
    const data = join(folder, 'data')
    const link = join(folder, 'link')
    const unlock = lockDataDir(data)
    symlinkSync(data, link)
    expect(() => lockDataDir(data)).toThrow(DataDirLocked)
    expect(() => lockDataDir(link)).toThrow(DataDirLocked)
    unlock()
    lockDataDir(link)()
  })

  it('makes the folder, for its owner only', () => {
    const deep = join(folder, 'a', 'b')
    const unlock = lockDataDir(deep)
    expect(readFileSync(join(deep, 'lock'), 'utf8')).toBe(String(process.pid))
    unlock()
  })

  it('goes from a process that was killed to the next one', async () => {
    const first = await contender()
    expect(await first.tryAt(0)).toBe('locked')
    expect(() => lockDataDir(folder)).toThrow(`process ${first.process.pid}`)
    await first.end()
    const unlock = lockDataDir(folder)
    expect(readFileSync(lock, 'utf8')).toBe(String(process.pid))
    unlock()
  })

  it.each([
    ['garbage', 'garbage'],
    ['nothing', ''],
    // In a container a restarted server often has the number of the one before.
    ['this process’s own number, left from before', String(process.pid)],
  ])('with %s in it is taken over', (_, content) => {
    writeFileSync(lock, content)
    lockDataDir(folder)()
    expect(existsSync(lock)).toBe(false)
  })

  it('is not taken away by giving back what another has taken over', async () => {
    const unlock = lockDataDir(folder)
    writeFileSync(lock, '1')
    unlock()
    expect(readFileSync(lock, 'utf8')).toBe('1')
  })

  it('of a dead owner goes to one of many that race for it', async () => {
    const racers = await Promise.all(Array.from({ length: 4 }, contender))
    for (let round = 0; round < 5; round++) {
      writeFileSync(lock, String(await deadProcess()))
      const time = Date.now() + 50
      const results = await Promise.all(racers.map((racer) => racer.tryAt(time)))
      const winners = racers.filter((_, index) => results[index] === 'locked')
      expect(winners, results.join('\n')).toHaveLength(1)
      expect(results.filter((result) => result.startsWith('DataDirLocked: '))).toHaveLength(racers.length - 1)
      expect(readFileSync(lock, 'utf8')).toBe(String(winners[0]!.process.pid))
      await winners[0]!.end()
      racers.splice(racers.indexOf(winners[0]!), 1, await contender())
    }
  })

  it('can be taken over although a process died while it did so, but not while one does', async () => {
    const takeover = join(folder, 'lock.takeover')
    writeFileSync(lock, String(await deadProcess()))
    mkdirSync(takeover)
    expect(() => lockDataDir(folder)).toThrow('in use by another Arc (process unknown)')
    const longAgo = new Date(Date.now() - 60_000)
    utimesSync(takeover, longAgo, longAgo)
    lockDataDir(folder)()
    expect(existsSync(takeover)).toBe(false)
  })
})
