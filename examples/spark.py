"""Encode a table on a Spark cluster: spark-submit examples/spark.py models:/NAME@ALIAS IN OUT

Not run by the tests, which have no Spark. IN has a column for each feature. Spark wants the
type of what comes out: here the anomaly score of each row. The cluster's Python needs the packages
of the model's requirements.txt.
"""

import sys

import mlflow
from pyspark.sql import SparkSession
from pyspark.sql.functions import struct

where, source, target = sys.argv[1:]
spark = SparkSession.builder.getOrCreate()
model = mlflow.pyfunc.spark_udf(
    spark, where, result_type="anomaly_scores float", env_manager="local"
)
rows = spark.read.parquet(source)
rows.withColumn("encoded", model(struct(*rows.columns))).write.parquet(target)
