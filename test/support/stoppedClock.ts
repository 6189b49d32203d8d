import { onTestFinished, vi } from 'vitest'

/** Until the test ends it is now, to the second, until `moveClock` says otherwise; timers run as ever. */
export function stopClock(): number {
  const now = Math.floor(Date.now() / 1000) * 1000
  vi.useFakeTimers({ now, toFake: ['Date'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
  return now
}

export function moveClock(ms: number): void {
  vi.setSystemTime(Date.now() + ms)
}
