/** This process's clock is so far ahead from now on, in milliseconds; the clock of its timers is not. Returns what sets it back. */
export function shiftClock(ms: number): () => void {
  const { Date: TrueDate } = globalThis
  const now = () => TrueDate.now() + ms
  class ShiftedDate extends TrueDate {
    constructor(...given: unknown[]) {
      super(...((given.length > 0 ? given : [now()]) as [number]))
    }

    static override now(): number {
      return now()
    }
  }
  globalThis.Date = ShiftedDate as DateConstructor
  return () => {
    globalThis.Date = TrueDate
  }
}
