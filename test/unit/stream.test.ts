import { describe, expect, it, vi } from 'vitest'
import { stream } from '../../src/stream.ts'

function waitFor(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
}

/** A stream of one item, after which it waits for what never comes. */
function waiting() {
  const onEnd = vi.fn()
  const items = stream(async function* (ended) {
    yield 'first'
    await waitFor(ended)
  }, onEnd)
  return { items, onEnd }
}

describe('a stream', () => {
  it('ends with its generator', async () => {
    const onEnd = vi.fn()
    const items = stream(async function* () {
      yield 1
      yield 2
    }, onEnd)
    const seen: number[] = []
    for await (const item of items) seen.push(item)
    expect(seen).toEqual([1, 2])
    expect(onEnd).toHaveBeenCalledTimes(1)
    expect(await items.next()).toEqual({ done: true, value: undefined })
  })

  it('ends at once when its consumer leaves while it waits', async () => {
    const { items, onEnd } = waiting()
    await items.next()
    const next = items.next()
    const left = items.return()
    expect(onEnd).toHaveBeenCalledTimes(1)
    expect(await Promise.all([next, left])).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ])
    await items.return()
    expect(onEnd).toHaveBeenCalledTimes(1)
  })

  it('does not keep a consumer who leaves while it reads something', async () => {
    const items = stream<string>(
      async function* () {
        await new Promise(() => {})
      },
      () => {},
    )
    void items.next()
    expect(await items.return()).toEqual({ done: true, value: undefined })
  })

  it('ends when its consumer leaves before it asked for anything', async () => {
    const { items, onEnd } = waiting()
    await items.return()
    expect(onEnd).toHaveBeenCalledTimes(1)
    expect(await items.next()).toEqual({ done: true, value: undefined })
  })

  it('ends with the error of its generator', async () => {
    const onEnd = vi.fn()
    const items = stream(async function* () {
      yield 'first'
      throw new Error('no more')
    }, onEnd)
    await items.next()
    await expect(items.next()).rejects.toThrow('no more')
    expect(onEnd).toHaveBeenCalledTimes(1)
    expect(await items.next()).toEqual({ done: true, value: undefined })
  })
})

describe('a stream that is broken off', () => {
  it('wakes its consumer, who hears why, once', async () => {
    const { items, onEnd } = waiting()
    await items.next()
    const next = items.next()
    items.breakOff(new Error('expired'))
    expect(onEnd).toHaveBeenCalledTimes(1)
    await expect(next).rejects.toThrow('expired')
    expect(await items.next()).toEqual({ done: true, value: undefined })
  })

  it('tells a consumer that comes later', async () => {
    const { items } = waiting()
    await items.next()
    items.breakOff(new Error('expired'))
    await expect(items.next()).rejects.toThrow('expired')
  })

  it('tells nobody who has left, and nothing after its end', async () => {
    const left = waiting()
    left.items.breakOff(new Error('expired'))
    await left.items.return()
    expect(await left.items.next()).toEqual({ done: true, value: undefined })
    const over = waiting()
    await over.items.return()
    over.items.breakOff(new Error('expired'))
    expect(await over.items.next()).toEqual({ done: true, value: undefined })
    expect(over.onEnd).toHaveBeenCalledTimes(1)
  })
})
