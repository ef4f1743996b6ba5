# One image for both processes; the command decides which: the API (the default), `node dist/workers/main.js`, or
# `node cli/field.mjs` with what it is to do.
FROM node:22-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-workspaces

# Compiles the TypeScript. Nothing of this stage but `dist` is in the image: neither the sources nor the compilers.
FROM dependencies AS build
RUN npm ci --ignore-scripts --no-workspaces
COPY . .
RUN npm run build

FROM node:22-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 BACKUP_FOLDER=/backups
# For Prometheus and for probes, without a token: never publish it.
ENV METRICS_HOST=0.0.0.0 METRICS_PORT=9464
# V8 starts four threads for garbage collection in each process; on few cores they take time from the main thread. Source maps
# name the lines of the sources in errors.
ENV NODE_OPTIONS="--v8-pool-size=1 --enable-source-maps"
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json knexfile.mjs ./
COPY cli/field.mjs cli/launch.mjs ./cli/
RUN mkdir -m 700 /backups && chown node:node /backups
USER node
EXPOSE 3000
# On SIGTERM a process accepts no more work, finishes what it has, and asks its sockets to reconnect elsewhere. The commands run
# without a shell, so that Node is process 1 and receives the signal.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/api/health/ready`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/api/main.js"]
