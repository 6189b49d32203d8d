import { pino } from 'pino'
import { describe, expect, inject, it } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { createPool } from '../../src/db/pool.ts'
import { createPools, endPools, warmUp } from '../../src/db/pools.ts'
import { useArc } from '../support/arc.ts'
import { DatabaseProxy } from '../support/databaseProxy.ts'
import { holdTimers } from '../support/heldTimers.ts'

async function throughProxy() {
  const proxy = await DatabaseProxy.open(
    connectionString,
    inject('serverUrl') === null ? null : inject('adminUrl'),
  )
  return { proxy, close: () => proxy.close() }
}

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

  it('asks a connection that lay for long whether it is alive, and hands out another where it is not', async () => {
    const { proxy, close } = await throughProxy()
    const patient = createPool({ connectionString: proxy.url, max: 2, min: 2, logger })
    const careful = createPool({ connectionString: proxy.url, max: 2, min: 2, validateMs: 0, logger })
    try {
      const asked: string[] = []
      for (const pool of [patient, careful]) {
        pool.on('connect', (client) => {
          const ask = client.query as (...given: unknown[]) => unknown
          client.query = ((statement: string | { text: string }, ...more: unknown[]) => {
            asked.push(typeof statement === 'string' ? statement : statement.text)
            return ask.call(client, statement, ...more)
          }) as never
        })
        for (let time = 0; time < 3; time++) await pool.query('select 1')
      }
      expect(asked.filter((text) => text.includes('validate'))).toHaveLength(2)
      // As a firewall does it: neither end hears of it.
      proxy.swallow()
      expect((await careful.query('select 2 as two')).rows).toEqual([{ two: 2 }])
    } finally {
      await Promise.all([patient.end(), careful.end()])
      await close()
    }
  })

  it('has 20 connections by default and 30 more for a rush, for which an operation waits 30 seconds', async () => {
    const { answerMs, ...pool } = readConfig({ ARC_JWT_SECRET: 'x'.repeat(32) }).pool
    const pools = createPools({ ...pool, answerMs, connectionString, logger })
    try {
      const capacity = Object.values(pools).reduce((sum, { options }) => sum + options.max, 0)
      expect({ size: pool.size, capacity, waitMs: pool.waitMs }).toEqual({
        size: 20,
        capacity: 50,
        waitMs: 30_000,
      })
      const kept = Object.values(pools).reduce((sum, { options }) => sum + options.min, 0)
      expect({ kept, statementMs: pools.reading.statementMs }).toEqual({ kept: 20, statementMs: 60_000 })
      await warmUp(pools)
      expect([pools.reading.idleCount, pools.writing.idleCount, pools.own.idleCount]).toEqual([4, 2, 1])
    } finally {
      await endPools(pools)
    }
  })
})

describe('a server', () => {
  // They have a connection now and then.
  const arc = useArc({ ARC_JOBS: 'off' })

  it('opens what it keeps before the first request', async () => {
    const { health } = await arc
      .tenant()
      .data('{ health { poolStats { capacity total inUse idle waiting } } }')
    const { capacity, total, ...now } = health.poolStats
    expect(capacity).toBe(14)
    expect(total).toBeGreaterThanOrEqual(7)
    expect(now).toEqual({ inUse: 0, idle: total, waiting: 0 })
  })
})
