import { onTestFinished } from 'vitest'

export interface HeldTimer {
  ms: number
  /** Lets it run out now. */
  fire(): void
}

/**
 * Until the test ends, the timers that one file of src sets run out when the test lets them, not when their time has
 * passed. Those of all other files run as ever.
 */
export function holdTimers(file: string) {
  const { setTimeout, clearTimeout } = globalThis
  const held = new Map<unknown, HeldTimer>()
  let isSet: (() => void) | undefined

  function hold(callback: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) {
    if (!callerOf(hold).includes(`/${file}:`)) return setTimeout(callback, ms, ...given)
    const id = setTimeout(() => {}, 0)
    held.set(id, {
      ms,
      fire() {
        if (held.delete(id)) callback(...given)
      },
    })
    isSet?.()
    return id
  }
  globalThis.setTimeout = hold as typeof setTimeout
  globalThis.clearTimeout = (id) => {
    held.delete(id)
    clearTimeout(id)
  }
  onTestFinished(() => {
    Object.assign(globalThis, { setTimeout, clearTimeout })
  })

  return {
    /** Those that are set and were neither cleared nor fired. */
    get pending(): HeldTimer[] {
      return [...held.values()]
    },
    /** The one that is set, or is set next; that comes after `last`, when given. */
    async next(last?: HeldTimer): Promise<HeldTimer> {
      for (;;) {
        const [timer, ...others] = held.values()
        if (others.length > 0) throw new Error(`${file} has set ${held.size} timers at once.`)
        if (timer && timer !== last) return timer
        await new Promise<void>((resolve) => {
          isSet = resolve
        })
      }
    },
  }
}

function callerOf(called: (...given: never[]) => unknown): string {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 1
  const here = { stack: '' }
  Error.captureStackTrace(here, called)
  Error.stackTraceLimit = stackTraceLimit
  return here.stack
}
