#!/usr/bin/env bash
# What the image starts: Spark's driver or executor, as Spark on Kubernetes asks for them, or any other command.
# Spark calls the entry point with "driver ARGUMENTS" or "executor" and says the rest in variables:
# org.apache.spark.deploy.k8s.features.{DriverCommandFeatureStep,BasicExecutorFeatureStep}.
set -euo pipefail

case "${1:-}" in
  driver)
    shift
    exec tini -s -- "$SPARK_HOME/bin/spark-submit" \
      --conf "spark.driver.bindAddress=$SPARK_DRIVER_BIND_ADDRESS" --deploy-mode client "$@"
    ;;
  executor)
    options=()
    for name in $(compgen -v SPARK_JAVA_OPT_ | sort -t _ -k 4 -n); do options+=("${!name}"); done
    # spark.executor.extraClassPath and Hadoop's configuration, where a cluster has them, come first.
    classpath=${SPARK_CLASSPATH:+$SPARK_CLASSPATH:}${HADOOP_CONF_DIR:+$HADOOP_CONF_DIR:}
    classpath+="${SPARK_CONF_DIR:-$SPARK_HOME/conf}:$SPARK_HOME/jars/*"
    exec tini -s -- "$JAVA_HOME/bin/java" "${options[@]}" \
      "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" \
      -cp "$classpath" \
      org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
      --driver-url "$SPARK_DRIVER_URL" --executor-id "$SPARK_EXECUTOR_ID" --cores "$SPARK_EXECUTOR_CORES" \
      --app-id "$SPARK_APPLICATION_ID" --hostname "$SPARK_EXECUTOR_POD_IP" \
      --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" --podName "$SPARK_EXECUTOR_POD_NAME"
    ;;
  *) exec tini -s -- "$@" ;;
esac
