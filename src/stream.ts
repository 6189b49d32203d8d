export interface Stream<Item> extends AsyncIterableIterator<Item> {
  return(): Promise<IteratorResult<Item>>
  /** Ends it from outside. Its consumer hears the error after what was on its way. */
  breakOff(error: Error): void
}

/**
 * An async iterator that ends at once when its consumer leaves: `return()` of a plain generator waits for the `await`
 * it stands in, which may be the next event of a simulation that never has one.
 *
 * `generate` gets a signal that says so, and has to watch it wherever it waits. `onEnd` is called once, however the
 * stream ends: also when its consumer leaves before it asked for anything, which a `finally` would not notice.
 */
export function stream<Item>(
  generate: (ended: AbortSignal) => AsyncGenerator<Item, void>,
  onEnd: () => void,
): Stream<Item> {
  const ended = new AbortController()
  const items = generate(ended.signal)
  let failure: Error | undefined
  const end = (reason?: Error) => {
    if (ended.signal.aborted) return
    failure = reason
    ended.abort()
    onEnd()
  }
  return {
    async next() {
      try {
        const result = await items.next()
        if (!result.done) return result
      } catch (error) {
        end()
        throw error
      }
      end()
      const error = failure
      failure = undefined
      if (error) throw error
      return { done: true, value: undefined }
    },
    async return() {
      end()
      failure = undefined
      // Not waited for: it may stand in a read of the database.
      void items.return()
      return { done: true, value: undefined }
    },
    breakOff: end,
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
