/** What a webhook tells of an alert: the body of its request. docs/guides/alerts.md shows it. */
export interface AlertMessage {
  type: 'alert.fired' | 'alert.ended' | 'alert.test'
  /** When it fired or ended. */
  timestamp: Date
  data: {
    /** Its number among the tenant's, in the order in which they happened; null of a test. */
    seq: number | null
    rule: { ruleId: string; name: string; kind: string; threshold: number }
    /** Null of a test. */
    alert: {
      alertId: string
      /** What was found when it fired, and of how many runs; null where that counts none. */
      value: number
      countedRuns: number | null
      firedAt: Date
      endedAt: Date | null
      endReason: string | null
      /** What was found when it ended; null where nothing was known. */
      endValue: number | null
      configId: string | null
      simulationId: string | null
    } | null
  }
}

export function alertBody(message: AlertMessage): string {
  return JSON.stringify(message)
}
