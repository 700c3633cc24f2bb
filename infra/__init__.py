"""What is built in AWS: one environment file in, CloudFormation stacks and reviewable IAM documents out."""
