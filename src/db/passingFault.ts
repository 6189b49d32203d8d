/** What Node, pg and Prisma call an error; Prisma keeps PostgreSQL's own code, if it has no word for it, far inside. */
export function codesOf(error: unknown): string[] {
  const { code, meta } = error as {
    code?: unknown
    meta?: { code?: unknown; driverAdapterError?: { cause?: { originalCode?: unknown } } }
  }
  const codes = [code, meta?.code, meta?.driverAdapterError?.cause?.originalCode]
  return codes.filter((value) => typeof value === 'string')
}

/** SQLSTATE serialization_failure and deadlock_detected, and Prisma's word for them: everything was rolled back. */
export function isLostRace(error: unknown): boolean {
  return codesOf(error).some((code) => ['40001', '40P01', 'P2034'].includes(code))
}

/**
 * The connection was lost, or there was none to be had, for a reason that passes: the server restarts, another takes over, a
 * firewall forgot the connection. Not where the time ran out: whoever waits has waited for long then.
 */
function isLostConnection(error: unknown): boolean {
  const lost = /^(08|25006|57P0[123]|ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|EAI_AGAIN|P1001|P1017)/
  if (codesOf(error).some((code) => lost.test(code))) return true
  const { message } = error as { message?: unknown }
  return (
    typeof message === 'string' &&
    /Connection terminated|Client has encountered a connection error|got no answer|Server has closed the connection/i.test(
      message,
    )
  )
}

/** What may go well a moment later. */
export function isPassing(error: unknown): boolean {
  return error instanceof Error && (isLostConnection(error) || isLostRace(error))
}

/** How often something is tried in all. */
const ATTEMPTS = 4

/** Pauses before the second attempt and those after it. The first lost connection was perhaps the only one. */
const PAUSES_MS = [20, 1_000, 2_000]

/** After so long a database that is away is not asked again by each who needs it: they would all wait in vain. */
const OUTAGE_MS = 5_000

/** What is known of a database that gives nobody a connection that holds: since when, and when it was tried last. */
export interface Outage {
  since: number
  triedAt: number
}

/**
 * Does work again that lost a race or its connection: up to three times, a second and two seconds later at last, each up to a
 * quarter longer, so that those who lost together do not all come back at once. `mayRepeat` says of an error whether the work has done
 * nothing yet, or may be done twice. `database`: where what is known of it is kept.
 */
export async function withPatience<Result>(
  database: { outage?: Outage | undefined },
  work: () => Promise<Result>,
  mayRepeat: (error: unknown) => boolean,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      const result = await work()
      database.outage = undefined
      return result
    } catch (error) {
      const isLost = isLostConnection(error)
      if (isLost) noteOutage(database)
      const isAway = isLost && performance.now() - database.outage!.since > OUTAGE_MS
      if (attempt === ATTEMPTS || isAway || !(isLost || isLostRace(error)) || !mayRepeat(error)) throw error
      // Who lost a race has nothing to wait for but that the winner has passed.
      const pauseMs = isLost ? PAUSES_MS[attempt - 1]! : PAUSES_MS[0]! * attempt
      await new Promise((resolve) => setTimeout(resolve, pauseMs * (1 + Math.random() / 4)))
    }
  }
}

function noteOutage(database: { outage?: Outage | undefined }): void {
  const now = performance.now()
  const { outage } = database
  const isNew = !outage || now - outage.triedAt > OUTAGE_MS
  database.outage = { since: isNew ? now : outage.since, triedAt: now }
}
