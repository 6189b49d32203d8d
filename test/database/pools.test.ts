import { pino } from 'pino'
import { describe, expect, inject, it } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { createPool } from '../../src/db/pool.ts'
import { createPools, endPools, warmUp } from '../../src/db/pools.ts'
import { useArc } from '../support/arc.ts'
import { holdTimers } from '../support/heldTimers.ts'

const logger = pino({ level: 'silent' })
const connectionString = inject('databaseUrl')

// Without a server, whose connections come to rest in between.
describe('a pool', () => {
  it('keeps a few connections at rest, and none for longer than an hour', async () => {
    const timers = holdTimers('pg-pool/index.js')
    const pool = createPool({ connectionString, max: 5, min: 2, logger })
    try {
      const clients = await Promise.all(Array.from({ length: 5 }, () => pool.connect()))
      for (const client of clients) client.release()
      const ofRest = timers.pending.filter(({ ms }) => ms === 10_000)
      const ofLife = timers.pending.filter(({ ms }) => ms === 3_600_000)
      expect({ rest: ofRest.length, life: ofLife.length }).toEqual({ rest: 5, life: 5 })
      for (const timer of ofRest) timer.fire()
      expect({ total: pool.totalCount, idle: pool.idleCount }).toEqual({ total: 2, idle: 2 })
      for (const timer of ofLife) timer.fire()
      expect(pool.totalCount).toBe(0)
    } finally {
      await pool.end()
    }
  })

  it('has 20 connections by default and half as many more for a rush, for which an operation waits 30 seconds', async () => {
    const { answerMs, ...pool } = readConfig({ ARC_JWT_SECRET: 'x'.repeat(32) }).pool
    const pools = createPools({ ...pool, answerMs, connectionString, logger })
    try {
      const capacity = Object.values(pools).reduce((sum, { options }) => sum + options.max, 0)
      expect({ size: pool.size, capacity, waitMs: pool.waitMs }).toEqual({
        size: 20,
        capacity: 30,
        waitMs: 30_000,
      })
      await warmUp(pools)
      expect([pools.reading.idleCount, pools.writing.idleCount, pools.own.idleCount]).toEqual([4, 2, 1])
    } finally {
      await endPools(pools)
    }
  })
})

describe('a server', () => {
  const arc = useArc()

  it('opens what it keeps before the first request', async () => {
    const { health } = await arc
      .tenant()
      .data('{ health { poolStats { capacity total inUse idle waiting } } }')
    const { capacity, total, ...now } = health.poolStats
    expect(capacity).toBe(12)
    expect(total).toBeGreaterThanOrEqual(7)
    expect(now).toEqual({ inUse: 0, idle: total, waiting: 0 })
  })
})
