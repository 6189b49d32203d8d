import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { timeOfUuid } from '../../src/uuid.ts'
import { useArc } from '../support/arc.ts'

const arc = useArc()

it('the key of tool usage has the time of its outcome, for the database and for the server', async () => {
  const times = [
    '0001-01-01',
    '1969-12-31T23:59:59.999Z',
    '1970-01-01',
    '2026-11-30T01:02:03.004Z',
    '6400-01-01',
  ].map((time) => new Date(time))
  const { rows } = await arc.sql('admin', (client) =>
    client.query<{ id: string; time: number; made: number }>(
      `select id, extract(epoch from time)::float8 * 1000 as time, extract(epoch from public.time_of_uuid(id))::float8 * 1000 as made
      from unnest($1::timestamptz[]) as time, unnest(array[1, 1000]) place, public.tool_usage_id(time, $2, place) as id`,
      [times.map((time) => time.toISOString()), randomUUID()],
    ),
  )
  expect(new Set(rows.map(({ id }) => id)).size).toBe(2 * times.length)
  for (const { id, time, made } of rows)
    expect([id, made, timeOfUuid(id).getTime()]).toEqual([id, time, time])
})
