# One image for both processes; the command decides which: the API (the default), `node dist/workers/main.js`, or
# `node cli/field.mjs` with what it is to do. The root file system may be read-only; only /tmp and, in workers, /backups are written.
# The digest decides which base is taken, the tag is for readers and for Dependabot.
FROM node:22-bookworm-slim@sha256:48e4b67d85f87bd551df43704e24d252f56cc5f8e9718841aace50f19948f0f9 AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc deploy/image/prune-modules.sh ./
RUN npm ci --omit=dev --no-workspaces && ./prune-modules.sh node_modules

# Compiles the TypeScript. Nothing of this stage but `dist` is in the image: neither the sources nor the compilers.
FROM dependencies AS build
RUN npm ci --ignore-scripts --no-workspaces
COPY . .
RUN npm run build && npm run sbom

FROM node:22-bookworm-slim@sha256:48e4b67d85f87bd551df43704e24d252f56cc5f8e9718841aace50f19948f0f9
# docker build --build-arg VERSION=0.1.0 --build-arg REVISION=$(git rev-parse HEAD) --build-arg SOURCE=https://…
ARG VERSION=unknown REVISION=unknown SOURCE=
LABEL org.opencontainers.image.title="consciousness-field" \
  org.opencontainers.image.description="API, workers and commands of a shared live field" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="$VERSION" \
  org.opencontainers.image.revision="$REVISION" \
  org.opencontainers.image.source="$SOURCE" \
  org.opencontainers.image.base.name="docker.io/library/node:22-bookworm-slim"
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
