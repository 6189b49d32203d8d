import { type Profiler, Session } from 'node:inspector/promises'
import { regexSteps } from './regexSteps.ts'

/**
 * Counts the steps that work takes, not its time: the same work always takes the same. They are
 *
 * - the blocks of JavaScript that are entered, by V8's own counters for coverage (loops count as often as they go round):
 *   of Arc and of the libraries that it calls,
 * - the steps of its regular expressions (regexSteps.ts),
 * - what a Map or Set compares to find a text among others: V8 tells those of more than 16,383 characters apart by their
 *   length alone,
 * - what functions built into JavaScript pass over, whose loops V8 does not count: by the lengths of what they are given,
 * - the characters of the result.
 *
 * Begins before the modules are loaded that are counted: V8 counts blocks of what is compiled afterwards.
 */
export async function startCounting() {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })

  return {
    async stepsOf(work: () => unknown): Promise<number> {
      await session.post('Profiler.takePreciseCoverage')
      let passed = 0
      const restore = watchBuiltIns((steps) => {
        passed += steps
      })
      let result: unknown
      try {
        result = work()
      } catch (error) {
        // What is too much, or wrong, is refused: that takes steps too.
        if ((error as Error).name !== 'Refusal') throw error
        result = String(error)
      } finally {
        restore()
      }
      const { result: coverage } = await session.post('Profiler.takePreciseCoverage')
      return passed + blocksIn(coverage) + lengthOf(result)
    },
    stop: () => session.disconnect(),
  }
}

/** Neither the tests nor what runs them. */
const COUNTED = /\/src\/|\/node_modules\/(yaml|diff|graphql)\//

function blocksIn(scripts: Profiler.ScriptCoverage[]): number {
  let blocks = 0
  for (const { url, functions } of scripts)
    if (COUNTED.test(url)) for (const { ranges } of functions) for (const { count } of ranges) blocks += count
  return blocks
}

function lengthOf(result: unknown): number {
  return JSON.stringify(result, (_, value) => (value instanceof Map ? [...value] : value))?.length ?? 0
}

/** For each built-in function what it passes over when it is called. */
const TEXT_METHODS = [
  'includes',
  'split',
  'replaceAll',
  'toLowerCase',
  'isWellFormed',
  'normalize',
  'trim',
] as const
const LIST_METHODS = [
  'indexOf',
  'includes',
  'shift',
  'unshift',
  'splice',
  'slice',
  'concat',
  'reverse',
  'join',
] as const
const OBJECT_FUNCTIONS = ['keys', 'values', 'entries', 'assign'] as const

/** V8 looks at no more of a text to tell it from others. */
const HASHED_CHARACTERS = 16_383
/** How many longer ones a Map or Set has been given. */
const longKeys = new WeakMap<object, number>()

function watchBuiltIns(onSteps: (steps: number) => void): () => void {
  let isCounting = false
  const undo: (() => void)[] = []
  function replace<Owner extends object, Name extends keyof Owner>(
    owner: Owner,
    name: Name,
    make: (native: (...given: any[]) => any) => unknown,
  ): void {
    const native = owner[name]
    Object.defineProperty(owner, name, { value: make(native as never), writable: true, configurable: true })
    undo.push(() => Object.defineProperty(owner, name, { value: native, writable: true, configurable: true }))
  }
  for (const [prototype, names] of [
    [String.prototype, TEXT_METHODS],
    [Array.prototype, LIST_METHODS],
  ] as const)
    for (const name of names)
      replace(
        prototype as never,
        name as never,
        (native) =>
          function (this: { length: number }, ...given: unknown[]) {
            onSteps(this.length)
            return native.apply(this, given)
          },
      )
  for (const name of OBJECT_FUNCTIONS)
    replace(Object, name, (native) => (...given: object[]) => {
      const found = native(...given)
      onSteps(Array.isArray(found) ? found.length : 1)
      return found
    })
  replace(
    String.prototype,
    'indexOf',
    (native) =>
      function (this: string, sought: string, from = 0) {
        const found: number = native.call(this, sought, from)
        onSteps(Math.max(0, (found < 0 ? this.length : found) - from))
        return found
      },
  )
  replace(
    RegExp.prototype,
    'exec',
    (native) =>
      function (this: RegExp, text: string) {
        // Counting takes patterns of its own.
        if (!isCounting) {
          isCounting = true
          onSteps(regexSteps(this, String(text)))
          isCounting = false
        }
        return native.call(this, text)
      },
  )
  for (const [prototype, names] of [
    [Map.prototype, ['get', 'has', 'set']],
    [Set.prototype, ['has', 'add']],
  ] as const)
    for (const name of names)
      replace(
        prototype as never,
        name as never,
        (native) =>
          function (this: object, ...given: unknown[]) {
            const [key] = given
            if (typeof key === 'string' && key.length > HASHED_CHARACTERS) {
              const alike = longKeys.get(this) ?? 0
              onSteps(alike * key.length)
              if (name === 'set' || name === 'add') longKeys.set(this, alike + 1)
            }
            return native.apply(this, given)
          },
      )
  // Reading digits takes time by the square of their number.
  replace(globalThis, 'BigInt', (native) =>
    Object.assign(
      (value: unknown) => {
        if (typeof value === 'string') onSteps(value.length ** 2)
        return native(value)
      },
      { asIntN: BigInt.asIntN, asUintN: BigInt.asUintN },
    ),
  )
  return () => {
    for (const step of undo.reverse()) step()
  }
}
