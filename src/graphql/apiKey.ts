import { createApiKey, revokeApiKey } from '../auth/apiKeyIssue.ts'
import type { Prisma } from '../db/generated/client.ts'
import { builder } from './builder/builder.ts'
import { enumField } from './builder/enumField.ts'
import {
  conditionOf,
  DateTimeFilter,
  enumFilter,
  IdFilter,
  NullableDateTimeFilter,
  StringFilter,
  textConditionOf,
} from './lists/filters.ts'
import { defineStoredList } from './lists/storedList.ts'
import { payloadOf, payloadOfStep, payloadType } from './payload.ts'

const ApiKeyScope = builder.enumType('ApiKeyScope', {
  description: 'What an API key may do.',
  values: {
    ALL: {
      value: 'app_user',
      description:
        'Read and write the tenant’s rows. API keys themselves are made and revoked by people only.',
    },
    READ: { value: 'app_readonly', description: 'Read the tenant’s rows.' },
    INGEST: {
      value: 'app_ingest',
      description:
        'Store configurations, scenarios, simulations and outcomes, and see how far simulations are and how each of their runs ended. Outcomes, trajectories, failures and tools can’t be read.',
    },
  } as const,
})

export const ApiKey = builder.prismaNode('ApiKey', {
  id: { field: 'keyId' },
  nullable: true,
  description: 'What a program signs in with. Its secret is shown once, when it is made, and kept nowhere.',
  select: { keyId: true },
  fields: (t) => ({
    keyId: t.expose('keyId', { type: 'UUID', description: 'Its key.' }),
    name: t.exposeString('name', { description: 'What people call it.' }),
    prefix: t.exposeString('prefix', { description: 'What its secret begins with, to tell keys apart.' }),
    scope: enumField(t, 'role', { type: ApiKeyScope, description: 'What it may do.' }),
    createdBy: t.exposeString('createdBy', {
      nullable: true,
      description: 'Who made it; null when it was made past the server.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ends by itself; null when it does not.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last used, to the minute; null when it never was.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null when it was not.',
    }),
  }),
})

const ApiKeyScopeFilter = enumFilter('ApiKeyScopeFilter', ApiKeyScope)

const ApiKeyFilter = builder.inputType('ApiKeyFilter', {
  description: 'Which API keys; all conditions have to hold.',
  fields: (t) => ({
    keyId: t.field({ type: IdFilter, description: 'By key.' }),
    name: t.field({ type: StringFilter, description: 'By name.' }),
    prefix: t.field({ type: StringFilter, description: 'By what their secret begins with.' }),
    scope: t.field({ type: ApiKeyScopeFilter, description: 'By what they may do.' }),
    isRevoked: t.boolean({ description: 'Revoked ones or others; both when not given.' }),
    createdAt: t.field({ type: DateTimeFilter, description: 'By when they were made.' }),
    lastUsedAt: t.field({ type: NullableDateTimeFilter, description: 'By when they were last used.' }),
  }),
})

const apiKeyPages = defineStoredList('ApiKey', {
  model: 'ApiKey',
  table: 'api_keys',
  type: ApiKey,
  keys: [{ field: 'keyId', kind: 'uuid' }],
  orders: {
    CREATED_AT: { field: 'createdAt', kind: 'time', description: 'When it was made.' },
    LAST_USED_AT: {
      field: 'lastUsedAt',
      kind: 'time',
      nullable: true,
      description: 'When it was last used.',
    },
    NAME: { field: 'name', kind: 'text', description: 'Its name.' },
  },
  defaultOrder: { field: 'CREATED_AT', direction: 'desc' },
  filter: ApiKeyFilter,
  where: (filter): Prisma.ApiKeyWhereInput & Record<string, unknown> => ({
    keyId: conditionOf(filter.keyId),
    name: textConditionOf(filter.name),
    prefix: textConditionOf(filter.prefix),
    role: conditionOf(filter.scope),
    createdAt: conditionOf(filter.createdAt),
    lastUsedAt: conditionOf(filter.lastUsedAt),
    ...(typeof filter.isRevoked === 'boolean' ? { revokedAt: filter.isRevoked ? { not: null } : null } : {}),
  }),
})

builder.queryFields((t) => ({
  apiKey: t.field(apiKeyPages.byKey('An API key by its key, which is not its secret.')),
  apiKeys: t.field(apiKeyPages.root('The tenant’s API keys, the newest first.')),
}))

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'A new API key.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What people call it, in 1 to 100 characters.' }),
    scope: t.field({ type: ApiKeyScope, required: true, description: 'What it may do.' }),
    expiresAt: t.field({ type: 'DateTime', description: 'When it ends by itself; never when not given.' }),
  }),
})

const CreateApiKeyPayload = payloadType<{ keyId: string; secret: string }>(
  'CreateApiKeyPayload',
  'The API key with its secret, or why there is none.',
  (t) => ({
    apiKey: t.field(apiKeyPages.inPayload(({ keyId }) => keyId, 'The API key; null when there are errors.')),
    secret: t.string({
      nullable: true,
      description: 'What programs send as their bearer token. Shown here and never again: keep it now.',
      resolve: ({ result }) => result?.secret,
    }),
  }),
)

const RevokeApiKeyInput = builder.inputType('RevokeApiKeyInput', {
  description: 'Which API key.',
  fields: (t) => ({
    keyId: t.field({ type: 'UUID', required: true, description: 'The API key’s key.' }),
  }),
})

const RevokeApiKeyPayload = payloadType<string>(
  'RevokeApiKeyPayload',
  'The API key after the step, or why there was none.',
  (t) => ({
    apiKey: t.field(apiKeyPages.inPayload((keyId) => keyId, 'The API key; null when there are errors.')),
  }),
)

builder.mutationFields((t) => ({
  createApiKey: t.field({
    type: CreateApiKeyPayload,
    description: 'Makes an API key. With a token only: an API key makes no others.',
    args: { input: t.arg({ type: CreateApiKeyInput, required: true, description: 'What to make.' }) },
    resolve: (_, { input: { name, scope, expiresAt } }, { write, viewer }) =>
      payloadOf(() =>
        write((transaction) =>
          createApiKey(transaction, viewer, { name, role: scope, expiresAt: expiresAt ?? null }),
        ),
      ),
  }),
  revokeApiKey: t.field({
    type: RevokeApiKeyPayload,
    description:
      'Takes an API key out of use, for good: its next request is refused, and what it has open ends within seconds.',
    args: { input: t.arg({ type: RevokeApiKeyInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { keyId } }, { write, viewer }) =>
      payloadOfStep(write, keyId, (transaction) => revokeApiKey(transaction, viewer, keyId)),
  }),
}))
