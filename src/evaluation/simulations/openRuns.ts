import sql from 'sql-template-tag'
import { lockCount, type TenantTransaction } from '../../db/tenantTransaction.ts'
import { Refusal } from '../../refusal.ts'

/** Of what has not ended: a few bytes of a request plan thousands of runs, each of them a row. */
export interface OpenRuns {
  /** How many the tenant may have. */
  max: number
  /** How many this call plans. */
  planned: number
  /** A simulation whose runs are among those planned, if it is there. */
  except: string | null
}

/** @throws Refusal LIMIT_EXCEEDED */
export async function checkOpenRuns(
  transaction: TenantTransaction,
  { max, planned, except }: OpenRuns,
): Promise<void> {
  checkRoom(await countOpenRuns(transaction, except), planned, max)
}

/** Of simulations but one. Who else counts waits. */
export async function countOpenRuns(transaction: TenantTransaction, except: string | null): Promise<number> {
  await lockCount(transaction, 'open runs')
  const [open] = await transaction.query<{ runs: string }>(sql`/* openRuns */
    select coalesce(sum(total_scenarios), 0) as runs from simulations
    where status in ('pending', 'running') and simulation_id is distinct from ${except}::uuid`)
  return Number(open!.runs)
}

/** @throws Refusal LIMIT_EXCEEDED */
export function checkRoom(runs: number, planned: number, max: number): void {
  if (runs + planned <= max) return
  throw new Refusal(
    'LIMIT_EXCEEDED',
    `The simulations that have not ended have ${runs} runs, and these would be ${planned} more; ${max} are allowed (ARC_MAX_OPEN_RUNS_PER_TENANT). End some first.`,
  )
}
