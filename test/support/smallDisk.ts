import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** In pieces of this size it is filled: no page of PostgreSQL's has room then. */
const PIECE = Buffer.alloc(4_096)

/** A file system of its own, in memory, so that nobody else's is full with it. */
export class SmallDisk {
  readonly path: string
  readonly #unmount: () => void

  /** Undefined where this user may mount nothing, not even in a namespace of its own. */
  static async make(megabytes: number): Promise<SmallDisk | undefined> {
    const mount = ['mount', '-t', 'tmpfs', '-o', `size=${megabytes}m,mode=1777`, 'tmpfs']
    if (process.getuid?.() !== 0) return SmallDisk.#inNamespace(mount.join(' '))
    const path = mkdtempSync(join(tmpdir(), 'arc-disk-'))
    const removed = () => rmSync(path, { recursive: true })
    if (spawnSync(mount[0]!, [...mount.slice(1), path]).status !== 0) {
      removed()
      return undefined
    }
    return new SmallDisk(path, () => {
      // What still has a file open keeps it for itself; nobody else finds it.
      spawnSync('umount', ['--lazy', path])
      removed()
    })
  }

  /** A namespace is there as long as a process in it, and others see its mounts through that. */
  static async #inNamespace(mount: string): Promise<SmallDisk | undefined> {
    const keeper: ChildProcess = spawn(
      'unshare',
      ['--user', '--map-root-user', '--mount', 'sh', '-c', `${mount} /mnt && echo ready && exec cat`],
      { stdio: ['pipe', 'pipe', 'ignore'] },
    )
    const isReady = await Promise.race([
      once(keeper.stdout!, 'data').then(() => true),
      once(keeper, 'exit').then(() => false),
      once(keeper, 'error').then(() => false),
    ])
    return isReady ? new SmallDisk(`/proc/${keeper.pid}/root/mnt`, () => keeper.stdin!.end()) : undefined
  }

  private constructor(path: string, unmount: () => void) {
    this.path = path
    this.#unmount = unmount
  }

  /** To the last byte. */
  fill(): void {
    try {
      for (;;) appendFileSync(this.#ballast, PIECE)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }

  /** As if somebody had made room. */
  empty(): void {
    rmSync(this.#ballast)
  }

  remove(): void {
    this.#unmount()
  }

  get #ballast(): string {
    return join(this.path, 'ballast')
  }
}
