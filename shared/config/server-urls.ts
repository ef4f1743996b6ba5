/** Schemas of the servers' addresses. */
import { z } from 'zod';
import { describeUnusableHosts } from '../postgres/parse-url.ts';

export const postgresUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\//, 'must start with postgres:// or postgresql://')
  .superRefine((url, context) => {
    const problem = describeUnusableHosts(url);
    if (problem) context.addIssue({ code: 'custom', message: problem });
  });

export const redisUrl = z.string().regex(/^rediss?:\/\//, 'must start with redis:// or rediss://');
